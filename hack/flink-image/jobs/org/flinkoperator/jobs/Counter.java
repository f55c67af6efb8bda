package org.flinkoperator.jobs;

import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.state.FunctionInitializationContext;
import org.apache.flink.runtime.state.FunctionSnapshotContext;
import org.apache.flink.streaming.api.checkpoint.CheckpointedFunction;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.util.Collector;

/** Counts numbers in keyed state; before number n, exactly n numbers must have been counted. */
final class Counter extends KeyedProcessFunction<Integer, Long, Void> implements CheckpointedFunction {
    private static final long serialVersionUID = 1L;

    private final CounterOptions options;

    private transient ValueState<Long> countState;
    private transient ValueState<byte[]> paddingState;
    /** Readable without a key: it gives the gauge its value before the first number after a restore. */
    private transient ListState<Long> shownState;
    /** Written by the task, read by the thread that reports metrics. */
    private transient volatile long shown;
    /** When the last number was counted, kept across restores. */
    private transient ListState<Long> lastTimeState;
    private transient long lastTime;
    /** Keeps it also where no state is; null if it is not wanted. */
    private transient TimeFile timeFile;
    private transient boolean first;
    /** Milliseconds without a number before the first one of this run; -1 as long as that, or the last time, is not known. */
    private transient volatile long gap;

    Counter(CounterOptions options) {
        this.options = options;
    }

    @Override
    public void initializeState(FunctionInitializationContext context) throws Exception {
        shownState = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("shown", Long.class));
        for (Long count : shownState.get()) {
            shown = Math.max(shown, count);
        }
        lastTimeState = context.getOperatorStateStore().getListState(new ListStateDescriptor<>("last-time", Long.class));
        for (Long time : lastTimeState.get()) {
            lastTime = Math.max(lastTime, time);
        }
        gap = -1;
    }

    @Override
    public void open(OpenContext context) throws Exception {
        if (options.timeFile != null) {
            timeFile = new TimeFile(options.timeFile);
            lastTime = Math.max(lastTime, timeFile.read());
        }
        first = lastTime > 0;
        countState = getRuntimeContext().getState(new ValueStateDescriptor<>("count", Long.class));
        paddingState = getRuntimeContext().getState(new ValueStateDescriptor<>("padding", byte[].class));
        getRuntimeContext().getMetricGroup().gauge("count", (Gauge<Long>) () -> shown);
        getRuntimeContext().getMetricGroup().gauge("gap", (Gauge<Long>) () -> gap);
    }

    @Override
    public void processElement(Long number, Context context, Collector<Void> output) throws Exception {
        Long before = countState.value();
        long count = before == null ? 1 : before + 1;
        if (count != number + 1) {
            throw new IllegalStateException("not exactly once: number " + number + " is the " + count + "th");
        }
        if (count == options.failAt || count == options.failOnceAt && firstAttempt()) {
            throw new IllegalStateException("failing at count " + count + " as asked");
        }
        countState.update(count);
        noteTime();
        shown = count;
        keepPadding();
    }

    @Override
    public void snapshotState(FunctionSnapshotContext context) throws Exception {
        shownState.clear();
        shownState.add(shown);
        lastTimeState.clear();
        lastTimeState.add(lastTime);
        Thread.sleep(options.slowSnapshotMillis);
    }

    @Override
    public void close() throws Exception {
        if (timeFile != null) {
            timeFile.close();
        }
    }

    private void noteTime() throws Exception {
        long now = System.currentTimeMillis();
        if (first) {
            gap = now - lastTime;
            first = false;
        }
        lastTime = now;
        if (timeFile != null) {
            timeFile.write(now);
        }
    }

    private boolean firstAttempt() {
        return getRuntimeContext().getTaskInfo().getAttemptNumber() == 0;
    }

    private void keepPadding() throws Exception {
        byte[] padding = paddingState.value();
        if (options.paddingBytes != (padding == null ? 0 : padding.length)) {
            paddingState.update(new byte[options.paddingBytes]);
        }
    }
}
