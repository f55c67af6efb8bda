package main

import (
	"fmt"
	"go/types"
	"reflect"
	"strings"

	"golang.org/x/tools/go/packages"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// loadKind finds the Go struct of a kind.
func loadKind(packagePattern, kind string) (*types.Named, error) {
	mode := packages.NeedName | packages.NeedTypes | packages.NeedImports | packages.NeedDeps | packages.NeedSyntax | packages.NeedTypesInfo
	loaded, err := packages.Load(&packages.Config{Mode: mode}, packagePattern)
	if err != nil {
		return nil, err
	}
	if len(loaded) != 1 {
		return nil, fmt.Errorf("%s is %d packages, want one", packagePattern, len(loaded))
	}
	for _, problem := range loaded[0].Errors {
		return nil, problem
	}
	object := loaded[0].Types.Scope().Lookup(kind)
	if object == nil {
		return nil, fmt.Errorf("%s declares no %s", packagePattern, kind)
	}
	named, ok := object.Type().(*types.Named)
	if !ok {
		return nil, fmt.Errorf("%s is no named type", kind)
	}
	return named, nil
}

// trimSchema walks the schema and the Go type it was made from side by side. The description of a
// schema itself belongs to the field that points to it and is kept; only what lies below a type of
// another package is stripped.
func trimSchema(schema *apiextensionsv1.JSONSchemaProps, named *types.Named) {
	home := named.Obj().Pkg()
	trimBelow(schema, named, home)
}

func trimBelow(schema *apiextensionsv1.JSONSchemaProps, goType types.Type, home *types.Package) {
	element := elementOf(goType)
	named, isNamed := element.(*types.Named)
	structure, isStruct := element.Underlying().(*types.Struct)
	ours := isStruct && (!isNamed || named.Obj().Pkg() == home)

	if ours {
		fields := fieldsByName(structure)
		for name, property := range schema.Properties {
			if fieldType, found := fields[name]; found {
				trimBelow(&property, fieldType, home)
			} else {
				strip(&property)
			}
			schema.Properties[name] = property
		}
	} else {
		for name, property := range schema.Properties {
			strip(&property)
			schema.Properties[name] = property
		}
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		trimElement(schema.Items.Schema, element, ours, home)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		trimElement(schema.AdditionalProperties.Schema, element, ours, home)
	}
}

// trimElement handles the schema of the elements of a list or map, whose Go type is already known.
func trimElement(schema *apiextensionsv1.JSONSchemaProps, element types.Type, ours bool, home *types.Package) {
	if !ours {
		strip(schema)
		return
	}
	trimBelow(schema, element, home)
}

// elementOf follows pointers, lists and maps to what they hold in the end.
func elementOf(goType types.Type) types.Type {
	for {
		goType = types.Unalias(goType)
		switch container := goType.Underlying().(type) {
		case *types.Pointer:
			goType = container.Elem()
		case *types.Slice:
			goType = container.Elem()
		case *types.Map:
			goType = container.Elem()
		default:
			return goType
		}
	}
}

// fieldsByName maps the JSON names of a struct to the types of its fields, inlined structs included.
func fieldsByName(structure *types.Struct) map[string]types.Type {
	fields := map[string]types.Type{}
	for i := range structure.NumFields() {
		field := structure.Field(i)
		name, _, _ := strings.Cut(reflect.StructTag(structure.Tag(i)).Get("json"), ",")
		if name != "" {
			fields[name] = field.Type()
			continue
		}
		if inlined, ok := elementOf(field.Type()).Underlying().(*types.Struct); ok {
			for inlinedName, inlinedType := range fieldsByName(inlined) {
				fields[inlinedName] = inlinedType
			}
		}
	}
	return fields
}

// strip drops the description of a schema and of everything below it. What a user writes is still
// checked: types, bounds and rules stay.
func strip(schema *apiextensionsv1.JSONSchemaProps) {
	schema.Description = ""
	for name, property := range schema.Properties {
		strip(&property)
		schema.Properties[name] = property
	}
	if schema.Items != nil && schema.Items.Schema != nil {
		strip(schema.Items.Schema)
	}
	if schema.AdditionalProperties != nil && schema.AdditionalProperties.Schema != nil {
		strip(schema.AdditionalProperties.Schema)
	}
}
