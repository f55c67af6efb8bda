// Package builders makes objects for tests, in one line each, with only what the test is about:
//
//	builders.JobCluster("wordcount", builders.SavepointsDir("s3://b/sp"), builders.RunningJob(1, started))
//
// Every builder returns a new object with the schema's defaults, so that a test may change it freely. Options are
// applied in their order.
//
// It imports the API types only, so that tests of any package can use it, and it is imported by tests only.
package builders
