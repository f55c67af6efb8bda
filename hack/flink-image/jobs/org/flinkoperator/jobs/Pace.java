package org.flinkoperator.jobs;

import org.apache.flink.api.common.functions.MapFunction;

/** Lets numbers through one at a time with a pause before each. */
final class Pace implements MapFunction<Long, Long> {
    private static final long serialVersionUID = 1L;

    private final long intervalMillis;

    Pace(long intervalMillis) {
        this.intervalMillis = intervalMillis;
    }

    @Override
    public Long map(Long number) throws InterruptedException {
        Thread.sleep(intervalMillis);
        return number;
    }
}
