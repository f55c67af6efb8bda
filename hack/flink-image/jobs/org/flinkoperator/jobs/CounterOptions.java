package org.flinkoperator.jobs;

import java.io.Serializable;

/** The command line of {@link CounterJob}: pairs of an option and a value, which is a number but for a path. */
final class CounterOptions implements Serializable {
    private static final long serialVersionUID = 1L;
    private static final long NEVER = -1;

    /** Pause before each number. */
    long intervalMillis = 10;
    /** How many numbers there are; the job finishes after them. */
    long limit = NEVER;
    /** The count at which the job fails, every time it gets there. */
    long failAt = NEVER;
    /** The count at which the job fails unless it was restarted since it was submitted. */
    long failOnceAt = NEVER;
    /** Extra bytes of state, which make snapshots larger. */
    int paddingBytes = 0;
    /** How long each snapshot of the counter takes, at least. */
    long slowSnapshotMillis = 0;
    /** File with the time of the last number; null for none. */
    String timeFile = null;

    static CounterOptions parse(String[] arguments) {
        CounterOptions options = new CounterOptions();
        if (arguments.length % 2 != 0) {
            throw new IllegalArgumentException("each option needs a value: " + String.join(" ", arguments));
        }
        for (int index = 0; index < arguments.length; index += 2) {
            if (arguments[index].equals("--time-file")) {
                options.timeFile = arguments[index + 1];
            } else {
                options.set(arguments[index], Long.parseLong(arguments[index + 1]));
            }
        }
        return options;
    }

    private void set(String option, long value) {
        switch (option) {
            case "--interval-millis": intervalMillis = value; break;
            case "--limit": limit = value; break;
            case "--fail-at": failAt = value; break;
            case "--fail-once-at": failOnceAt = value; break;
            case "--padding-bytes": paddingBytes = Math.toIntExact(value); break;
            case "--slow-snapshot-millis": slowSnapshotMillis = value; break;
            default: throw new IllegalArgumentException("unknown option " + option);
        }
    }

    long lastNumber() {
        return limit == NEVER ? Long.MAX_VALUE - 1 : limit - 1;
    }
}
