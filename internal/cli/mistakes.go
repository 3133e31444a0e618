package cli

import (
	"errors"
	"fmt"
)

// mistakes collects what is wrong with flags, so that all of it is said at once.
type mistakes []error

// add notes what is wrong with a flag, unless err is nil.
func (m *mistakes) add(flag string, err error) {
	if err != nil {
		*m = append(*m, fmt.Errorf("--%s: %w", flag, err))
	}
}

func (m *mistakes) addf(flag, format string, args ...any) {
	m.add(flag, fmt.Errorf(format, args...))
}

// err returns all mistakes as one usage error, or nil.
func (m *mistakes) err() error {
	if len(*m) == 0 {
		return nil
	}
	return usageError{errors.Join(*m...)}
}
