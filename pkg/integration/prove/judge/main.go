// Command judge says what the API server would say of FlinkClusters, by the code of the API server: it reads objects from
// its input, one JSON document a line, and writes the list of errors of each as one JSON document a line. It is a module of
// its own, since the operator shall not depend on the libraries of the API server.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	kubejson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"
)

func main() {
	if err := run(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(file string, input io.Reader, output io.Writer) error {
	court, err := newJudge(file)
	if err != nil {
		return err
	}
	decoder, answers := json.NewDecoder(bufio.NewReader(input)), bufio.NewWriter(output)
	encoder := json.NewEncoder(answers)
	for {
		var object json.RawMessage
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return answers.Flush()
		} else if err != nil {
			return err
		}
		if err := encoder.Encode(court.errorsOf(object)); err != nil {
			return err
		}
	}
}

// judge holds what the API server makes of a CustomResourceDefinition.
type judge struct {
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

func newJudge(file string) (*judge, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var definition apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(content, &definition); err != nil {
		return nil, err
	}
	var schema apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(definition.Spec.Versions[0].Schema.OpenAPIV3Schema, &schema, nil); err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(&schema)
	if err != nil {
		return nil, err
	}
	validator, _, err := validation.NewSchemaValidator(&schema)
	if err != nil {
		return nil, err
	}
	return &judge{structural: structural, schema: validator, rules: cel.NewValidator(structural, true, celconfig.PerCallLimit)}, nil
}

// errorsOf goes the way of a creation: unknown fields are refused, as kubectl asks for, defaults are set, and then the
// object is validated.
func (j *judge) errorsOf(document []byte) []string {
	found := []string{}
	object := map[string]any{}
	if err := kubejson.UnmarshalCaseSensitivePreserveInts(document, &object); err != nil {
		return append(found, err.Error())
	}
	unknown := pruning.PruneWithOptions(object, j.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})
	for _, path := range unknown {
		found = append(found, "unknown field "+path)
	}
	defaulting.PruneNonNullableNullsWithoutDefaults(object, j.structural)
	defaulting.Default(object, j.structural)
	list := validation.ValidateCustomResource(nil, object, j.schema)
	list = append(list, listtype.ValidateListSetsAndMaps(nil, j.structural, object)...)
	if len(list) == 0 {
		list = j.byRules(object)
	}
	for _, err := range list {
		found = append(found, err.Error())
	}
	return found
}

func (j *judge) byRules(object map[string]any) field.ErrorList {
	list, _ := j.rules.Validate(context.Background(), nil, j.structural, object, nil, celconfig.RuntimeCELCostBudget)
	return list
}
