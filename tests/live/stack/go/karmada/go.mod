module live/karmada

go 1.26.8

require github.com/karmada-io/karmada v1.18.2
