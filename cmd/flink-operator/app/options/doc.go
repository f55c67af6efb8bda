// Package options is the command line of the operator: flags (Options), their rules (Validate), and the settled
// configuration that the program runs with (Config), which only Complete makes.
//
// It may import client-go to find the API server. It must never start anything.
package options
