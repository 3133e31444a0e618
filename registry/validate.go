package registry

import (
	"fmt"
	"regexp"
	"strings"
)

// Limits on what may be published. Names become part of keys that others trust, and
// values are read by every consumer of a service, so both are bounded.
const (
	// MaxServiceLen is the greatest length of a service name, in bytes.
	MaxServiceLen = 253
	// MaxWeight is the greatest weight of an instance.
	MaxWeight = 65535
)

var serviceName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// ValidateService says whether name may be published: letters, digits, '.', '-' and '_',
// starting and ending with a letter or digit, without "..", at most [MaxServiceLen] bytes.
// The error says what would be right.
func ValidateService(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("the service name is empty")
	case len(name) > MaxServiceLen:
		return fmt.Errorf("the service name has %d bytes, at most %d are allowed", len(name), MaxServiceLen)
	case strings.Contains(name, ".."):
		return fmt.Errorf("service name %q contains %q", name, "..")
	case !serviceName.MatchString(name):
		return fmt.Errorf("service name %q may hold only letters, digits, '.', '-' and '_', and must start and end with a letter or digit", name)
	}
	return nil
}

// ValidatePort says whether port is a port that can be dialled, 1 to 65535.
func ValidatePort(port int) error {
	if port < 1 || port > 65535 {
		return fmt.Errorf("port %d is not between 1 and 65535", port)
	}
	return nil
}

// ValidateWeight says whether weight may be published, 1 to [MaxWeight].
func ValidateWeight(weight int) error {
	if weight < 1 || weight > MaxWeight {
		return fmt.Errorf("weight %d is not between 1 and %d", weight, MaxWeight)
	}
	return nil
}
