package mirror

import (
	"math/rand/v2"
	"time"
)

// backoff doubles a delay from least to most, with half of each left to chance, so that
// replicas which failed together do not come back together.
type backoff struct {
	least, most time.Duration
	current     time.Duration
}

func (b *backoff) next() time.Duration {
	b.current = min(max(2*b.current, b.least), b.most)
	return b.current/2 + rand.N(b.current/2+1)
}

func (b *backoff) reset() { b.current = 0 }
