package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/bargauge"
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// Units of Grafana.
const (
	unitCount   = "short"
	unitSeconds = "s"
	unitPerSec  = "reqps"
	unitPercent = "percentunit"
)

// about is what every panel says of itself.
type about struct {
	title, description, unit string
	at                       dashboard.GridPos
}

// query is one query of a panel.
type query struct {
	expr, legend string
}

// at is a place on the grid, which is 24 wide.
func at(x, y, w, h uint32) dashboard.GridPos { return dashboard.GridPos{X: x, Y: y, W: w, H: h} }

func datasource() common.DataSourceRef {
	return common.DataSourceRef{Type: cog.ToPtr("prometheus"), Uid: cog.ToPtr("${datasource}")}
}

func target(ref string, q query) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().RefId(ref).Datasource(datasource()).Expr(q.expr).LegendFormat(q.legend)
}

// refID of the i-th query of a panel: A, B, …
func refID(i int) string { return string(rune('A' + i)) }

// steps colours values: the base colour, and others from their values on.
func steps(base string, from ...dashboard.Threshold) *dashboard.ThresholdsConfigBuilder {
	return dashboard.NewThresholdsConfigBuilder().
		Mode(dashboard.ThresholdsModeAbsolute).
		Steps(append([]dashboard.Threshold{{Color: base}}, from...))
}

func from(value float64, color string) dashboard.Threshold {
	return dashboard.Threshold{Value: &value, Color: color}
}

// last reduces a series to its newest value.
func last() *common.ReduceDataOptionsBuilder {
	return common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})
}

// number shows one value, red as soon as it counts something that should not be.
func number(a about, colours *dashboard.ThresholdsConfigBuilder, q query) cog.Builder[dashboard.Panel] {
	return stat.NewPanelBuilder().
		Title(a.title).Description(a.description).Unit(a.unit).GridPos(a.at).
		Datasource(datasource()).
		Thresholds(colours).
		ColorMode(common.BigValueColorModeValue).
		GraphMode(common.BigValueGraphModeNone).
		ReduceOptions(last()).
		WithTarget(target("A", q).Instant())
}

// bars shows the newest value of each query as a bar.
func bars(a about, queries ...query) cog.Builder[dashboard.Panel] {
	p := bargauge.NewPanelBuilder().
		Title(a.title).Description(a.description).Unit(a.unit).GridPos(a.at).
		Datasource(datasource()).
		DisplayMode(common.BarGaugeDisplayModeBasic).
		Orientation(common.VizOrientationHorizontal).
		Min(0).
		ReduceOptions(last())
	for i, q := range queries {
		p.WithTarget(target(refID(i), q).Instant())
	}
	return p
}

// lines shows the course of each query.
func lines(a about, queries ...query) cog.Builder[dashboard.Panel] {
	p := timeseries.NewPanelBuilder().
		Title(a.title).Description(a.description).Unit(a.unit).GridPos(a.at).
		Datasource(datasource()).
		Min(0).
		FillOpacity(8).
		Legend(common.NewVizLegendOptionsBuilder().
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true))
	for i, q := range queries {
		p.WithTarget(target(refID(i), q).Range())
	}
	return p
}

// rows shows the series of one query as a table with their labels as columns,
// sorted by value. columns gives the labels in their order; other labels are
// left out.
func rows(a about, value string, columns []string, descending bool, colours *dashboard.ThresholdsConfigBuilder, q query) cog.Builder[dashboard.Panel] {
	order, renamed, include := map[string]any{}, map[string]any{"Value": value}, []string{}
	for i, c := range append(append([]string{}, columns...), "Value") {
		order[c] = i
		include = append(include, c)
	}
	return table.NewPanelBuilder().
		Title(a.title).Description(a.description).Unit(a.unit).GridPos(a.at).
		Datasource(datasource()).
		Thresholds(colours).
		OverrideByName(value, []dashboard.DynamicConfigValue{
			{Id: "custom.cellOptions", Value: map[string]any{"type": "color-text"}},
		}).
		SortBy([]cog.Builder[common.TableSortByFieldState]{
			common.NewTableSortByFieldStateBuilder().DisplayName(value).Desc(descending),
		}).
		WithTransformation(dashboard.DataTransformerConfig{
			Id:      "filterFieldsByName",
			Options: map[string]any{"include": map[string]any{"names": include}},
		}).
		WithTransformation(dashboard.DataTransformerConfig{
			Id:      "organize",
			Options: map[string]any{"indexByName": order, "renameByName": renamed},
		}).
		WithTarget(target("A", q).Instant().Format(prometheus.PromQueryFormatTable))
}

// labelVariable takes the values of a label of a metric. It also matches series
// that lack the label, so that one cluster without a cluster label shows.
func labelVariable(name, title, metric, label string) cog.Builder[dashboard.VariableModel] {
	definition := "label_values(" + metric + ", " + label + ")"
	all := dashboard.VariableOption{
		Selected: cog.ToPtr(true),
		Text:     dashboard.StringOrArrayOfString{String: cog.ToPtr("All")},
		Value:    dashboard.StringOrArrayOfString{String: cog.ToPtr("$__all")},
	}
	return dashboard.NewQueryVariableBuilder(name).
		Label(title).
		Datasource(datasource()).
		Query(dashboard.StringOrMap{Map: map[string]any{"query": definition, "refId": name}}).
		Definition(definition).
		Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
		Sort(dashboard.VariableSortAlphabeticalAsc).
		Multi(true).IncludeAll(true).AllValue(".*").
		Current(all)
}
