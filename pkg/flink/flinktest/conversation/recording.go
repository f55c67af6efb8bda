package conversation

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Record writes exchanges with a real JobManager into a folder, one file for each, in place of what is there.
func Record(folder string, exchanges []Exchange) error {
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for i, exchange := range exchanges {
		var text bytes.Buffer
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(exchange); err != nil {
			return err
		}
		// The numbers keep the files in the order of the script.
		name := fmt.Sprintf("%02d-%s.json", i+1, strings.ReplaceAll(exchange.Name, " ", "-"))
		if err := os.WriteFile(filepath.Join(folder, name), text.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Recorded reads what Record has written.
func Recorded(folder string) ([]Exchange, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		return nil, err
	}
	exchanges := make([]Exchange, len(files))
	for i, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		if err := json.Unmarshal(text, &exchanges[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return exchanges, nil
}
