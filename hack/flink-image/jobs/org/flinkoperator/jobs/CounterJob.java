package org.flinkoperator.jobs;

import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * Counts the numbers 0, 1, 2, … and checks on every one of them that none was lost or counted twice. Its
 * count can be read from outside, so a test can tell whether a restart continued or began again.
 *
 * <p>Checkpoints, restarts and parallelism come from Flink's configuration.
 */
public final class CounterJob {
    private CounterJob() {}

    public static void main(String[] arguments) throws Exception {
        CounterOptions options = CounterOptions.parse(arguments);
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment();
        // One source task and one key keep the numbers in order at any parallelism of the counter.
        environment.fromSequence(0, options.lastNumber()).name("numbers").uid("numbers").setParallelism(1)
                .map(new Pace(options.intervalMillis)).name("pace").uid("pace").setParallelism(1)
                .keyBy(number -> 0)
                .process(new Counter(options)).name("counter").uid("counter");
        environment.execute("counter");
    }
}
