package controllers

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
)

// DefaultAnnotationPrefix is the prefix of the annotations unless another is configured.
const DefaultAnnotationPrefix = "causeway.dev"

// Annotations knows the annotations by which the owner of a Pod publishes it. It is
// immutable and safe for concurrent use.
type Annotations struct {
	prefix  string // with the slash
	service string
	port    string
	fields  []field
}

// field is one annotation: its full key, and how its value becomes part of a spec.
type field struct {
	key   string
	parse func(*spec, string) error
}

// spec is what the annotations of one Pod ask for.
type spec struct {
	service         string
	port            portRef
	version         string
	weight          int
	metadata        map[string]string
	publishNotReady bool
}

// NewAnnotations returns the annotations below prefix, which is a DNS subdomain such as
// [DefaultAnnotationPrefix].
func NewAnnotations(prefix string) (Annotations, error) {
	if problems := validation.IsDNS1123Subdomain(prefix); len(problems) > 0 {
		return Annotations{}, fmt.Errorf("annotation prefix %q: %s", prefix, strings.Join(problems, ", "))
	}
	a := Annotations{prefix: prefix + "/"}
	a.service = a.prefix + "service"
	a.port = a.prefix + "port"
	a.fields = []field{
		{a.service, parseService},
		{a.port, parsePort},
		{a.prefix + "version", parseVersion},
		{a.prefix + "weight", parseWeight},
		{a.prefix + "metadata", parseMetadata},
		{a.prefix + "publish-not-ready", parsePublishNotReady},
	}
	return a, nil
}

// OptedIn reports whether the owner of the Pod asks for it to be published.
func (a Annotations) OptedIn(pod *corev1.Pod) bool {
	_, ok := pod.Annotations[a.service]
	return ok
}

// parse returns what the annotations ask for and every problem they have, in a fixed order.
func (a Annotations) parse(annotations map[string]string) (spec, []string) {
	var (
		s        spec
		problems []string
		known    int
	)
	for _, f := range a.fields {
		value, ok := annotations[f.key]
		if !ok {
			continue
		}
		known++
		if err := f.parse(&s, value); err != nil {
			problems = append(problems, fmt.Sprintf("annotation %s: %v", f.key, err))
		}
	}
	if known < len(annotations) {
		problems = append(problems, a.unknown(annotations)...)
	}
	return s, problems
}

// unknown finds the annotations below the prefix that have no meaning. Ignoring them would
// publish a Pod otherwise than its owner meant, be it by a typo or by a later version's name.
func (a Annotations) unknown(annotations map[string]string) []string {
	var problems []string
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		if a.owns(key) && !a.knows(key) {
			problems = append(problems, fmt.Sprintf("annotation %s is not known; known are %s", key, a.names()))
		}
	}
	return problems
}

func (a Annotations) owns(key string) bool { return strings.HasPrefix(key, a.prefix) }

func (a Annotations) knows(key string) bool {
	return slices.ContainsFunc(a.fields, func(f field) bool { return f.key == key })
}

// names lists what may follow the prefix.
func (a Annotations) names() string {
	names := make([]string, 0, len(a.fields))
	for _, f := range a.fields {
		names = append(names, strings.TrimPrefix(f.key, a.prefix))
	}
	return enumerate(names)
}
