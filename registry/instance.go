package registry

import (
	"net"
	"strconv"
)

// Instance is one address at which a service can be reached, with the attributes that
// consumers may balance and filter by. It is a plain value: copies share Metadata, which
// must not be changed once the Instance has been handed over.
type Instance struct {
	// ID tells this instance from every other of the service, for as long as it lives.
	// For a Pod it is the Pod's UID. Formats whose keys are addresses do not carry it.
	ID string
	// Service is the name that consumers look up; see [ValidateService].
	Service string
	// Host is an IP address (IPv6 without brackets) or a DNS name.
	Host string
	// Port is a TCP or UDP port, 1 to 65535.
	Port int
	// Version is free text, such as "v1"; empty when unknown.
	Version string
	// Weight is the share of the traffic relative to the other instances, 1 to
	// [MaxWeight]; 0 means unset, and each format then writes its own framework's default.
	Weight int
	// Metadata holds free attributes; nil and empty are the same.
	Metadata map[string]string
	// Scheme is the protocol spoken, such as "grpc" or "http"; empty when unknown.
	Scheme string
	// Zone and Region are the failure domains, as in the topology labels of Kubernetes;
	// empty when unknown.
	Zone, Region string
}

// Address returns host:port, with an IPv6 host in brackets.
func (i Instance) Address() string {
	return net.JoinHostPort(i.Host, strconv.Itoa(i.Port))
}
