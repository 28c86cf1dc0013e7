// Records how kubectl reads YAML: what sigs.k8s.io/yaml, which it reads with, makes of each document of each file.
//
// From this folder:
//
//	go run . traps ../../examples
//
// rewrites recorded/. The files are cut into documents as kubectl cuts them (k8s.io/apimachinery,
// pkg/util/yaml, YAMLReader): at lines that are "---" and nothing more than a comment. A test of weir-config compares
// its own reading with the recordings, and fails where a file has none.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"

	"sigs.k8s.io/yaml"
)

// Document is what became of one document of a file.
type Document struct {
	// Line is its first line in the file, from 1.
	Line int `json:"line"`
	// JSON is what kubectl would send; absent where it refuses the document.
	JSON json.RawMessage `json:"json,omitempty"`
	// Error is why it refuses the document.
	Error string `json:"error,omitempty"`
}

func main() {
	log.SetFlags(0)
	if err := os.RemoveAll("recorded"); err != nil {
		log.Fatal(err)
	}
	for _, root := range os.Args[1:] {
		if err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			if ext := filepath.Ext(path); ext != ".yaml" && ext != ".yml" {
				return nil
			}
			within, err := filepath.Rel(filepath.Dir(root), path)
			if err != nil {
				return err
			}
			return record(path, filepath.Join("recorded", within+".json"))
		}); err != nil {
			log.Fatal(err)
		}
	}
}

func record(path, to string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	documents := []Document{}
	for _, document := range split(text) {
		read, err := toJSON(document.text)
		if err != nil {
			documents = append(documents, Document{Line: document.line, Error: err.Error()})
		} else {
			documents = append(documents, Document{Line: document.line, JSON: read})
		}
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(documents); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	fmt.Println(to)
	return os.WriteFile(to, out.Bytes(), 0o644)
}

// toJSON reads what is JSON as JSON, as kubectl does, and everything else as YAML.
func toJSON(text []byte) ([]byte, error) {
	var read map[string]any
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) && json.Unmarshal(text, &read) == nil {
		return json.Marshal(read)
	}
	return yaml.YAMLToJSON(text)
}

type part struct {
	line int
	text []byte
}

func split(text []byte) []part {
	var parts []part
	current := part{line: 1}
	for i, line := range bytes.SplitAfter(text, []byte("\n")) {
		if rest, ok := bytes.CutPrefix(line, []byte("---")); ok {
			if trimmed := strings.TrimSpace(string(rest)); trimmed == "" || trimmed[0] == '#' {
				if len(current.text) > 0 {
					parts = append(parts, current)
				}
				current = part{line: i + 2}
				continue
			}
		}
		current.text = append(current.text, line...)
	}
	if len(current.text) > 0 {
		parts = append(parts, current)
	}
	return parts
}
