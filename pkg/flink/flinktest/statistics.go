package flinktest

// shownHistory is web.checkpoints.history.
const shownHistory = 10

func newCheckpointsAnswer(of *job) object {
	latest := object{"completed": nil, "savepoint": nil, "failed": nil, "restored": nil}
	counts := map[snapshotStatus]int{inProgress: 0, completed: 0, failed: of.refused}
	history := []object{}
	for i, listed := range of.history {
		row := newSnapshotRow(listed)
		counts[listed.status]++
		if slot := latestSlot(listed); slot != "" && latest[slot] == nil {
			latest[slot] = row
		}
		if i < shownHistory {
			history = append(history, row)
		}
	}
	restored := 0
	if of.restored != nil {
		restored = 1
		latest["restored"] = object{
			"id": of.restored.id, "restore_timestamp": of.restored.at.UnixMilli(), "is_savepoint": of.restored.savepoint,
			"external_path": of.restored.location,
		}
	}
	return object{
		"counts": object{
			"restored": restored, "total": len(of.history) + of.refused, "in_progress": counts[inProgress],
			"completed": counts[completed], "failed": counts[failed],
		},
		"latest": latest, "history": history,
	}
}

// latestSlot is where the newest of a kind is shown; empty for one in progress.
func latestSlot(of *snapshot) string {
	switch {
	case of.status == failed:
		return "failed"
	case of.status == inProgress:
		return ""
	case of.savepoint:
		return "savepoint"
	}
	return "completed"
}

func newSnapshotRow(of *snapshot) object {
	row := object{
		"id": of.id, "status": of.status, "is_savepoint": of.savepoint, "savepointFormat": nil,
		"trigger_timestamp": of.at.UnixMilli(), "latest_ack_timestamp": -1, "end_to_end_duration": -1,
		"state_size": 0, "checkpointed_size": 0, "alignment_buffered": 0, "processed_data": 0, "persisted_data": 0,
		"num_subtasks": 1, "num_acknowledged_subtasks": 0, "checkpoint_type": checkpointType(of), "tasks": object{},
	}
	if of.savepoint {
		row["savepointFormat"] = "CANONICAL"
	}
	switch of.status {
	case inProgress:
		row["className"] = "in_progress"
	case failed:
		row["className"] = "failed"
		row["failure_timestamp"], row["failure_message"] = of.ended.UnixMilli(), of.failure
		row["end_to_end_duration"] = of.ended.Sub(of.at).Milliseconds()
	case completed:
		row["className"] = "completed"
		row["external_path"], row["discarded"] = of.location, of.discarded
		row["latest_ack_timestamp"], row["end_to_end_duration"] = of.ended.UnixMilli(), of.ended.Sub(of.at).Milliseconds()
		row["state_size"], row["checkpointed_size"], row["num_acknowledged_subtasks"] = 1024, 1024, 1
	}
	return row
}

func checkpointType(of *snapshot) string {
	switch {
	case of.stop:
		return "SYNC_SAVEPOINT"
	case of.savepoint:
		return "SAVEPOINT"
	}
	return "CHECKPOINT"
}
