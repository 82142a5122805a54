// Pins what the live stack builds from prometheus-operator's published module.
module live/prometheus-operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
