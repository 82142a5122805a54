// Pins what the live stack builds from kwok's published module.
module live/kwok

go 1.26.0

require sigs.k8s.io/kwok v0.8.0
