package controllers

import (
	"cmp"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/causeway-io/causeway/registry"
)

// Records returns the records of everything that the Pod publishes now, in every format,
// sorted by key. The error is an [*InvalidError], as for [Publications.Instances]; an
// instance that a format cannot express is one too.
func (p Publications) Records(pod *corev1.Pod) ([]registry.Record, error) {
	instances, err := p.Instances(pod)
	if err != nil {
		return nil, err
	}
	var (
		records  []registry.Record
		problems []string
	)
	for _, format := range p.formats {
		for _, instance := range instances {
			encoded, err := format.Encode(instance)
			if err != nil {
				problems = append(problems, fmt.Sprintf("format %s: %v", format.Name(), err))
			}
			records = append(records, encoded...)
		}
	}
	if len(problems) > 0 {
		return nil, &InvalidError{Problems: problems}
	}
	slices.SortFunc(records, func(a, b registry.Record) int { return cmp.Compare(a.Key, b.Key) })
	return records, nil
}

// invalid returns what is wrong with the Pod for its owner, or nil.
func (p Publications) invalid(pod *corev1.Pod) *InvalidError {
	_, err := p.Records(pod)
	invalid, _ := errors.AsType[*InvalidError](err)
	return invalid
}
