// Pins what the live stack builds from karmada's published module.
module live/karmada

go 1.26.0

require github.com/karmada-io/karmada v1.18.2
