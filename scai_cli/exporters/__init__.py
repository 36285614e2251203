"""What a run is exported to: each exporter is `(History, Selection) -> Iterator[row]`."""
