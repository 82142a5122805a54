// Pins what the live stack builds from etcd's published module.
module live/etcd

go 1.26.0

require go.etcd.io/etcd/server/v3 v3.6.11
