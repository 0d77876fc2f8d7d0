package reference

import "slices"

// builtIn are the rows that everybody has. Where two groups have the same kind,
// the first keeps the plain name.
func builtIn() []Row {
	return slices.Concat(
		gatewayRows(), istioRows(), traefikRows(), contourRows(), ambassadorRows(), openShiftRows(),
		certManagerRows(), trustManagerRows(), externalSecretsRows(),
		postgresRows(), mysqlRows(), strimziRows(), prometheusRows(),
	)
}

// each makes rows of every kind with every path.
func each(base Row, kinds []string, paths ...string) []Row {
	rows := make([]Row, 0, len(kinds)*len(paths))
	for _, kind := range kinds {
		for _, path := range paths {
			row := base
			row.Kind, row.Path = kind, path
			rows = append(rows, row)
		}
	}
	return rows
}

// kinds is a list of kinds.
func kinds(kinds ...string) []string { return kinds }
