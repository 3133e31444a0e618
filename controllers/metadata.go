package controllers

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

func parseMetadata(s *spec, value string) error {
	metadata, err := decodeMetadata(value)
	if err != nil {
		return fmt.Errorf(`%s is not a JSON object of strings, such as {"team":"search"}: %w`, quote(value), err)
	}
	s.metadata = metadata
	return nil
}

// decodeMetadata is stricter than json.Unmarshal, which takes the last of several values for
// one key and null for a string: either would publish what the owner did not mean.
func decodeMetadata(value string) (map[string]string, error) {
	dec := json.NewDecoder(strings.NewReader(value))
	if token, err := nextToken(dec); err != nil {
		return nil, err
	} else if token != json.Delim('{') {
		return nil, errors.New("it is not an object")
	}
	var metadata map[string]string
	for dec.More() {
		key, text, err := decodeMember(dec)
		if err != nil {
			return nil, err
		}
		if _, dup := metadata[key]; dup {
			return nil, fmt.Errorf("key %s occurs twice", quote(key))
		}
		if metadata == nil {
			metadata = map[string]string{}
		}
		metadata[key] = text
	}
	if _, err := nextToken(dec); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the object")
	}
	return metadata, nil
}

func decodeMember(dec *json.Decoder) (key, text string, err error) {
	token, err := nextToken(dec)
	if err != nil {
		return "", "", err
	}
	key, ok := token.(string)
	if !ok {
		return "", "", errors.New("a key is not a string")
	}
	token, err = nextToken(dec)
	if err != nil {
		return "", "", err
	}
	if text, ok = token.(string); !ok {
		return "", "", fmt.Errorf("the value of %s is not a string", quote(key))
	}
	return key, text, nil
}

func nextToken(dec *json.Decoder) (json.Token, error) {
	token, err := dec.Token()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it ends too early")
	}
	return token, err
}
