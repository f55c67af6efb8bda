// Package flinktest is a JobManager in memory: an http.Handler that answers like Flink's REST API, does what it is
// asked to the jobs that a test put there, and keeps a ledger of what was done. Network carries requests to several of
// them by host name without a socket, so that tests can run in virtual time.
//
// It imports the standard library, pkg/flink and the clock. It must never be imported by anything but tests, and must
// never share code with pkg/flink/rest: the two read Flink's behaviour independently, so that one tests the other.
//
// What is modelled, because the operator's protocols hang on it (Flink 1.15 to 2.x):
//   - a trigger id that is known starts nothing, and is answered with the same request id;
//   - a savepoint of an unknown or not running job is accepted, and fails in its result;
//   - a stop ends the job FINISHED when its savepoint is complete, and aborts the savepoints under way;
//   - results are forgotten when they expire, and all of them with the JobManager (Restart);
//   - a checkpoint is deleted when newer ones subsume it and when its job finishes; a savepoint never is;
//   - statistics and exceptions may be answered from a cache (StatisticsCache);
//   - a snapshot has its number from when it begins, so that one may complete after a newer one;
//   - a path is answered as Flink writes it (file:/x for file:///x);
//   - a job that is started from files that are gone fails.
//
// That it answers as Flink does is tested against recordings of real JobManagers (conversation, testdata), and against
// a real one (TestModel of pkg/integration/cluster).
package flinktest
