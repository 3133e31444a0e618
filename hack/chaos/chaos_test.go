package main

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// Every row of the failure table, as `make chaos` runs it, and some that must fail.
func TestChaos(t *testing.T) {
	t.Parallel()
	st := testStage(t)
	t.Run("can fail", func(t *testing.T) {
		t.Parallel()
		canFail(t, st)
	})
	for _, r := range allRows() {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			result := st.play(t.Context(), r)
			t.Log(result.headline())
			if result.err != nil {
				t.Fail()
			}
		})
	}
}

// canFail plays rows in which consumers see what nothing explains, in which etcd is wrong
// at the end, or whose play fails.
func canFail(t *testing.T, st *stage) {
	t.Helper()
	plays := map[string]struct {
		play func(ctx context.Context, s *scene) error
		want string
	}{
		"an event without an explanation": {
			want: "events without an explanation: 1",
			play: func(ctx context.Context, s *scene) error {
				p := s.pods[0]
				if _, err := s.admin.Put(ctx, p.key(), p.value()); err != nil { // as it was
					return err
				}
				return s.converge(ctx)
			},
		},
		"a change that is never made": {
			want: "keys are not as Pods want them",
			play: func(_ context.Context, s *scene) error {
				s.ledger.expect(s.pods[0].key(), absent)
				return nil
			},
		},
		"a replica that ends by itself": {
			want: "ended by itself",
			play: func(_ context.Context, s *scene) error { return s.replicas[0].Kill() },
		},
		"a play": {
			want: "it broke",
			play: func(context.Context, *scene) error { return errors.New("it broke") },
		},
	}
	for name, tt := range plays {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			result := st.play(t.Context(), row{name: name, setup: setup{replicas: 1}, within: 3 * time.Second, play: tt.play})
			if got := result.headline(); !strings.HasPrefix(got, "FAIL") || !strings.Contains(got, tt.want) {
				t.Errorf("the row gave %s\nwant it to fail with %q", got, tt.want)
			}
		})
	}
}

func testStage(t *testing.T) *stage {
	t.Helper()
	st, err := newStage(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.close(); err != nil {
			t.Error(err)
		}
	})
	return st
}
