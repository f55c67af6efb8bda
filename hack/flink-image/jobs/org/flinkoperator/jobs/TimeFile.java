package org.flinkoperator.jobs;

import java.io.IOException;
import java.io.RandomAccessFile;

/** Keeps the time of the last number outside of the state: also for a job that starts from an older one, or from none. */
final class TimeFile implements AutoCloseable {
    private final RandomAccessFile file;

    TimeFile(String path) throws IOException {
        file = new RandomAccessFile(path, "rw");
    }

    /** Returns 0 if nothing was ever written. */
    long read() throws IOException {
        file.seek(0);
        return file.length() < Long.BYTES ? 0 : file.readLong();
    }

    void write(long millis) throws IOException {
        file.seek(0);
        file.writeLong(millis);
    }

    @Override
    public void close() throws IOException {
        file.close();
    }
}
