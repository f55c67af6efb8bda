package org.flinkoperator.jobs;

/** Fails in main, before there is a job: what a wrong argument or a missing class looks like. */
public final class BrokenJob {
    private BrokenJob() {}

    public static void main(String[] arguments) {
        throw new IllegalStateException("this job is broken on purpose");
    }
}
