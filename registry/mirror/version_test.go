package mirror

import (
	"errors"
	"strings"
	"testing"
)

func TestSupported(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		advice  bool
		refused bool
	}{
		"3.7.3":        {},
		"3.6.0-rc.1":   {},
		"3.5.13":       {},
		"3.5.12":       {advice: true},
		"3.5.0":        {advice: true},
		"3.4.23":       {refused: true},
		"3.3.25+git":   {refused: true},
		"not a number": {advice: true},
	}
	for version, want := range tests {
		advice, err := supported(version)
		if (advice != "") != want.advice || errors.Is(err, ErrUnsupported) != want.refused {
			t.Errorf("supported(%q) = %q, %v; want advice %v, refused %v", version, advice, err, want.advice, want.refused)
		}
		if err != nil && !strings.Contains(err.Error(), version) {
			t.Errorf("supported(%q): %v does not name the version", version, err)
		}
	}
}
