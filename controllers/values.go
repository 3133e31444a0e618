package controllers

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/causeway-io/causeway/registry"
)

const (
	// maxVersionLen is the greatest length of a version, in bytes.
	maxVersionLen = 128
	// maxQuoteLen is how much of a wrong value an error repeats, in bytes.
	maxQuoteLen = 64
)

// portRef names a port of a Pod by number or by name. The zero portRef means the only one.
type portRef struct {
	number int
	name   string
	wrong  bool // the annotation could not be read, which has been reported
}

func parseService(s *spec, value string) error {
	if err := registry.ValidateService(value); err != nil {
		return err
	}
	s.service = value
	return nil
}

// parsePort takes digits for a number and anything else for a name: Kubernetes demands a
// letter in the name of a port.
func parsePort(s *spec, value string) error {
	s.port = portRef{wrong: true}
	if value == "" {
		return fmt.Errorf("the value is empty; wanted is the name or the number of a container port")
	}
	if strings.Trim(value, "0123456789") != "" {
		s.port = portRef{name: value}
		return nil
	}
	number, err := strconv.Atoi(value)
	if err != nil || registry.ValidatePort(number) != nil {
		return fmt.Errorf("port %s is not between 1 and 65535", quote(value))
	}
	s.port = portRef{number: number}
	return nil
}

func parseVersion(s *spec, value string) error {
	switch {
	case len(value) > maxVersionLen:
		return fmt.Errorf("the version has %d bytes, at most %d are allowed", len(value), maxVersionLen)
	case !utf8.ValidString(value), strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsPrint(r) }):
		return fmt.Errorf("%s may hold only printable characters", quote(value))
	}
	s.version = value
	return nil
}

func parseWeight(s *spec, value string) error {
	weight, err := strconv.ParseUint(value, 10, 31)
	if err != nil {
		return fmt.Errorf("%s is not a whole number between 1 and %d", quote(value), registry.MaxWeight)
	}
	if err := registry.ValidateWeight(int(weight)); err != nil {
		return err
	}
	s.weight = int(weight)
	return nil
}

func parsePublishNotReady(s *spec, value string) error {
	switch value {
	case "true":
		s.publishNotReady = true
	case "false":
		s.publishNotReady = false
	default:
		return fmt.Errorf(`%s is neither "true" nor "false"`, quote(value))
	}
	return nil
}

// quote quotes a value for an error, shortened if need be.
func quote(value string) string {
	if len(value) <= maxQuoteLen {
		return strconv.Quote(value)
	}
	return strconv.Quote(clip(value, maxQuoteLen)) + ellipsis
}

// clip returns the longest prefix of s that has at most limit bytes and ends between runes.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit]
}

// enumerate joins words as one does in a sentence.
func enumerate(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " and " + words[last]
}
