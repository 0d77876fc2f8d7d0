package chart

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	v2 "helm.sh/helm/v4/pkg/chart/v2"
)

const (
	schemaURL = "values://values.schema.json"
	// maxViolations that one message names.
	maxViolations = 10
)

// sealed resolves no reference to another document: a chart's schema must not
// make the operator read files or call hosts.
type sealed struct{}

// Load refuses.
func (sealed) Load(url string) (any, error) {
	return nil, fmt.Errorf("reference to %s: only references within the schema are followed", foreign(url))
}

// checkValues checks the merged values of a chart and of its subcharts against
// their schemas.
func checkValues(chart *v2.Chart, values map[string]any) error {
	violations, err := violationsOf(chart, values, "values")
	if err != nil {
		return failure(KindRenderFailed, err, "chart %s %s has a values.schema.json that can't be used: %s",
			foreign(chart.Name()), foreign(chart.Metadata.Version), foreign(err.Error()))
	}
	if len(violations) == 0 {
		return nil
	}
	shown := violations[:min(len(violations), maxViolations)]
	text := strings.Join(shown, "; ")
	if more := len(violations) - len(shown); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return failure(KindInvalidValues, nil,
		"the schema of chart %s %s refuses the values: %s. Correct values in the component's spec",
		foreign(chart.Name()), foreign(chart.Metadata.Version), text)
}

func violationsOf(chart *v2.Chart, values map[string]any, path string) ([]string, error) {
	var violations []string
	if len(chart.Schema) > 0 {
		found, err := validate(chart.Schema, values, path)
		if err != nil {
			return nil, err
		}
		violations = found
	}
	for _, sub := range chart.Dependencies() {
		raw, ok := values[sub.Name()]
		if !ok || raw == nil {
			continue
		}
		subPath := path + "." + sub.Name()
		subValues, ok := asMap(raw)
		if !ok {
			violations = append(violations, fmt.Sprintf("%s: expected an object", foreign(subPath)))
			continue
		}
		found, err := violationsOf(sub, subValues, subPath)
		if err != nil {
			return nil, fmt.Errorf("subchart %s: %w", sub.Name(), err)
		}
		violations = append(violations, found...)
	}
	return violations, nil
}

// validate returns the violations, sorted; the error is about the schema.
func validate(schema []byte, values map[string]any, path string) ([]string, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return nil, fmt.Errorf("reading schema: %w", err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(sealed{})
	if err := compiler.AddResource(schemaURL, document); err != nil {
		return nil, fmt.Errorf("reading schema: %w", err)
	}
	validator, err := compiler.Compile(schemaURL)
	if err != nil {
		return nil, fmt.Errorf("compiling schema: %w", err)
	}
	err = validator.Validate(values)
	if err == nil {
		return nil, nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return nil, fmt.Errorf("validating: %w", err)
	}
	var violations []string
	printer := message.NewPrinter(language.English)
	collect(invalid, path, printer, &violations)
	slices.Sort(violations)
	return slices.Compact(violations), nil
}

// collect gathers the leaves of the tree of errors, which say what is wrong;
// the nodes above only repeat that something is.
func collect(e *jsonschema.ValidationError, path string, printer *message.Printer, into *[]string) {
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			collect(cause, path, printer, into)
		}
		return
	}
	where := strings.Join(append([]string{path}, e.InstanceLocation...), ".")
	switch k := e.ErrorKind.(type) {
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			*into = append(*into, foreign(where+"."+name)+": the chart knows no such key; remove it or correct its name")
		}
	case *kind.FalseSchema:
		*into = append(*into, foreign(where)+": the chart does not allow this key; remove it")
	case *kind.Type:
		*into = append(*into, fmt.Sprintf("%s: found %s, expected %s", foreign(where), k.Got, foreign(strings.Join(k.Want, " or "))))
	default:
		*into = append(*into, foreign(where)+": "+foreign(e.ErrorKind.LocalizedString(printer)))
	}
}
