package format

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/causeway-io/causeway/registry"
)

// JSONPrefix is where the json format writes by default.
const JSONPrefix = "/services"

// jsonWeight is the weight of an instance that sets none.
const jsonWeight = 1

// jsonFormat is Causeway's own format, for consumers that have none: one key an instance,
// <prefix>/<service>/<host>:<port>, and one JSON object as its value. A consumer gets and
// watches <prefix>/<service>/ with the slash at the end.
//
// Stable: fields are only ever added, after the first six.
type jsonFormat struct{ prefix string }

// JSON returns Causeway's own format below a prefix, such as [JSONPrefix]; slashes at the
// end of the prefix are dropped, and it may be empty.
func JSON(prefix string) registry.Format {
	return jsonFormat{prefix: strings.TrimRight(prefix, "/")}
}

type jsonValue struct {
	Name     string            `json:"name"`
	Host     string            `json:"host"`
	Port     int               `json:"port"`
	Version  string            `json:"version"`
	Weight   int               `json:"weight"`
	Metadata map[string]string `json:"metadata"`
	Scheme   string            `json:"scheme,omitempty"`
	Zone     string            `json:"zone,omitempty"`
	Region   string            `json:"region,omitempty"`
}

// Name implements [registry.Format].
func (jsonFormat) Name() string { return "json" }

// Encode implements [registry.Format]. An unset weight is written as 1.
func (f jsonFormat) Encode(i registry.Instance) ([]registry.Record, error) {
	v := jsonValue{
		Name: i.Service, Host: i.Host, Port: i.Port, Version: i.Version, Weight: i.Weight,
		Metadata: i.Metadata, Scheme: i.Scheme, Zone: i.Zone, Region: i.Region,
	}
	if v.Weight == 0 {
		v.Weight = jsonWeight
	}
	if v.Metadata == nil {
		v.Metadata = map[string]string{}
	}
	var value bytes.Buffer
	enc := json.NewEncoder(&value)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("encoding instance %s of %q: %w", i.Address(), i.Service, err)
	}
	return []registry.Record{{
		Key:   f.prefix + "/" + i.Service + "/" + i.Address(),
		Value: strings.TrimSuffix(value.String(), "\n"),
	}}, nil
}

// Decode implements [registry.Format]. The key is not looked at: everything is in the
// value.
func (jsonFormat) Decode(r registry.Record) (registry.Instance, error) {
	var v jsonValue
	if err := json.Unmarshal([]byte(r.Value), &v); err != nil {
		return registry.Instance{}, fmt.Errorf("decoding the value of %q: %w", r.Key, err)
	}
	if v.Name == "" || v.Host == "" {
		return registry.Instance{}, fmt.Errorf("decoding the value of %q: it has no name or no host", r.Key)
	}
	if err := registry.ValidatePort(v.Port); err != nil {
		return registry.Instance{}, fmt.Errorf("decoding the value of %q: %w", r.Key, err)
	}
	if len(v.Metadata) == 0 {
		v.Metadata = nil
	}
	return registry.Instance{
		Service: v.Name, Host: v.Host, Port: v.Port, Version: v.Version, Weight: v.Weight,
		Metadata: v.Metadata, Scheme: v.Scheme, Zone: v.Zone, Region: v.Region,
	}, nil
}
