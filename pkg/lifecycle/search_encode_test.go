package lifecycle

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// oldest is the greatest age that is told from others: no decision looks further back than the deadline of a savepoint.
const oldest = savepointDeadline + time.Minute

var timeType = reflect.TypeFor[time.Time]()

// encode writes a value such that two have the same encoding exactly if no decision can tell them apart: what pointers
// point at counts, an empty list and none are the same, and so are two times of the same moment.
func (e *encoder) encode(value any) encoding {
	e.buffer = appendValue(e.buffer[:0], reflect.ValueOf(value))
	sum := sha256.Sum256(e.buffer)
	return encoding(sum[:16])
}

// encoding stands for a value. That two of a million have the same by chance is less likely than a broken computer.
type encoding [16]byte

type encoder struct{ buffer []byte }

func appendValue(to []byte, value reflect.Value) []byte {
	if value.Type() == timeType {
		moment, _ := value.Interface().(time.Time)
		return binary.AppendVarint(to, moment.UnixNano())
	}
	switch value.Kind() {
	case reflect.Pointer:
		if value.IsNil() {
			return append(to, 0)
		}
		return appendValue(append(to, 1), value.Elem())
	case reflect.Struct:
		for i := range value.NumField() {
			to = appendValue(to, value.Field(i))
		}
		return to
	case reflect.Slice:
		to = binary.AppendVarint(to, int64(value.Len()))
		for i := range value.Len() {
			to = appendValue(to, value.Index(i))
		}
		return to
	case reflect.Map:
		return appendMap(to, value)
	case reflect.String:
		to = binary.AppendVarint(to, int64(value.Len()))
		return append(to, value.String()...)
	case reflect.Bool:
		if value.Bool() {
			return append(to, 1)
		}
		return append(to, 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(to, value.Int())
	default:
		panic(fmt.Sprintf("no encoding of %s", value.Type()))
	}
}

func appendMap(to []byte, value reflect.Value) []byte {
	keys := value.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	to = binary.AppendVarint(to, int64(len(keys)))
	for _, key := range keys {
		to = appendValue(appendValue(to, key), value.MapIndex(key))
	}
	return to
}

// aged returns a copy of a value in which all times lie further back: in a world whose clock stands still, that is how
// time goes by. So two states that differ in nothing but the time of day are one state.
func aged[T any](value T, by time.Duration) T {
	changed := reflect.New(reflect.TypeFor[T]()).Elem()
	changed.Set(age(reflect.ValueOf(value), by))
	result, _ := changed.Interface().(T)
	return result
}

func age(value reflect.Value, by time.Duration) reflect.Value {
	if value.Type() == timeType {
		moment, _ := value.Interface().(time.Time)
		if !moment.IsZero() && start.Sub(moment) < oldest {
			moment = moment.Add(-by)
		}
		return reflect.ValueOf(moment)
	}
	switch value.Kind() {
	case reflect.Pointer:
		if value.IsNil() {
			return value
		}
		changed := reflect.New(value.Type().Elem())
		changed.Elem().Set(age(value.Elem(), by))
		return changed
	case reflect.Struct:
		changed := reflect.New(value.Type()).Elem()
		for i := range value.NumField() {
			changed.Field(i).Set(age(value.Field(i), by))
		}
		return changed
	case reflect.Slice:
		if value.IsNil() {
			return value
		}
		changed := reflect.MakeSlice(value.Type(), value.Len(), value.Len())
		for i := range value.Len() {
			changed.Index(i).Set(age(value.Index(i), by))
		}
		return changed
	default:
		// Maps hold no times here: details of a request, and results of effects.
		return value
	}
}

// interner numbers values: the same number for the same value. Values must not be changed once they are in.
type interner[T any] struct {
	encoder
	values  []T
	numbers map[encoding]int32
}

func (i *interner[T]) number(value T) int32 {
	key := i.encode(value)
	if number, known := i.numbers[key]; known {
		return number
	}
	if i.numbers == nil {
		i.numbers = map[encoding]int32{}
	}
	number := int32(len(i.values))
	i.values, i.numbers[key] = append(i.values, value), number
	return number
}

func (i *interner[T]) of(number int32) T { return i.values[number] }
