package conversation

import "fmt"

const disposedLocation = "the location of the savepoint to dispose of"

// disposing ends the life of the savepoint that the script was restored from.
func disposing() []step {
	var location string
	return []step{
		post("dispose of nothing", ``, "savepoint-disposal"),
		post("dispose with half a body", `{"savepoint-path":`, "savepoint-disposal"),
		post("dispose with an unknown key", `{"savepoint-path":"`+MissingSavepoint+`","triggerId":"`+unknownTrigger+`"}`, "savepoint-disposal"),
		get("disposal of an unknown id", "savepoint-disposal", unknownTrigger),
		get("disposal of an id that is none", "savepoint-disposal", "x"),
		post("dispose of a savepoint that is not there", disposalOf(MissingSavepoint), "savepoint-disposal"),
		get("failed disposal of a savepoint that is not there", "savepoint-disposal", requestWord).when(completed),
		get(disposedLocation, "jobs", restoredJob, "checkpoints").when(func(answer any) bool {
			location, _ = at(answer, "latest", "restored", "external_path").(string)
			return location != ""
		}),
		post("dispose of a savepoint", disposalOf(locationWord), "savepoint-disposal").with(&location),
		get("a savepoint is disposed of", "savepoint-disposal", requestWord).when(completed),
		post("dispose of a savepoint again", disposalOf(locationWord), "savepoint-disposal").with(&location),
		get("failed disposal of a savepoint that is gone", "savepoint-disposal", requestWord).when(completed),
	}
}

func disposalOf(location string) string {
	return fmt.Sprintf(`{"savepoint-path":%q}`, location)
}
