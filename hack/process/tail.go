package process

import (
	"bytes"
	"io"
	"os"
	"strings"
)

const (
	tailLines = 15
	tailBytes = 16 << 10
)

// Tail returns the last lines of a file, or what prevents reading them. It is meant for
// messages.
func Tail(path string, lines int) string {
	end, err := readEnd(path)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimRight(string(end), "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// readEnd returns at most the last tailBytes of a file, from the start of a line.
func readEnd(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	size, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, err
	}
	from := max(0, size-tailBytes)
	end, err := io.ReadAll(io.NewSectionReader(file, from, size-from))
	if err != nil || from == 0 {
		return end, err
	}
	_, end, _ = bytes.Cut(end, []byte("\n"))
	return end, nil
}
