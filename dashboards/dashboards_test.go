package dashboards

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

var update = flag.Bool("update", false, "write the dashboards' JSON files")

var builders = map[string]func() (dashboard.Dashboard, error){
	"certificates": Certificates,
}

func TestTheCommittedJSONIsWhatTheBuildersMake(t *testing.T) {
	all := All()
	if len(all) != len(builders) {
		t.Fatalf("All has %d dashboards, there are %d builders", len(all), len(builders))
	}
	for _, d := range all {
		t.Run(d.Name, func(t *testing.T) {
			built, err := builders[d.Name]()
			if err != nil {
				t.Fatalf("building: %v", err)
			}
			var want bytes.Buffer
			encoder := json.NewEncoder(&want)
			encoder.SetEscapeHTML(false)
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(built); err != nil {
				t.Fatalf("encoding: %v", err)
			}
			if *update {
				if err := os.WriteFile(d.Name+".json", want.Bytes(), 0o600); err != nil {
					t.Fatalf("writing: %v", err)
				}
				return
			}
			if diff := cmp.Diff(want.String(), string(d.JSON)); diff != "" {
				t.Errorf("%s.json is not what the builder makes; run go test ./dashboards -update (-builder +file):\n%s", d.Name, diff)
			}
		})
	}
}

// TestDashboardsKeepTheHouseRules checks in the JSON, as Grafana would read it,
// what the package promises.
func TestDashboardsKeepTheHouseRules(t *testing.T) {
	if *update {
		t.Skip("the files are being written")
	}
	for _, d := range All() {
		t.Run(d.Name, func(t *testing.T) {
			var got struct {
				UID        string `json:"uid"`
				Editable   bool   `json:"editable"`
				Templating struct {
					List []struct {
						Name, Type string
					} `json:"list"`
				} `json:"templating"`
				Panels []panel `json:"panels"`
			}
			if err := json.Unmarshal(d.JSON, &got); err != nil {
				t.Fatalf("the JSON can't be read: %v", err)
			}
			if got.UID == "" || got.Editable {
				t.Errorf("uid %q, editable %v: want a uid and not editable", got.UID, got.Editable)
			}
			sources := 0
			for _, v := range got.Templating.List {
				if v.Type == "datasource" {
					sources++
				}
			}
			if sources != 1 {
				t.Errorf("%d datasource variables, want 1", sources)
			}
			seen := map[int]string{}
			for _, p := range got.Panels {
				if other, taken := seen[p.ID]; taken {
					t.Errorf("panels %q and %q have the same id %d", other, p.Title, p.ID)
				}
				seen[p.ID] = p.Title
				p.check(t)
			}
			checkGrid(t, got.Panels)
		})
	}
}

type panel struct {
	ID          int    `json:"id"`
	Type        string `json:"type"`
	Title       string `json:"title"`
	Description string `json:"description"`
	Datasource  struct {
		UID string `json:"uid"`
	} `json:"datasource"`
	GridPos     struct{ X, Y, W, H int } `json:"gridPos"`
	FieldConfig struct {
		Defaults struct {
			Unit string `json:"unit"`
		} `json:"defaults"`
	} `json:"fieldConfig"`
	Targets []struct {
		Expr string `json:"expr"`
	} `json:"targets"`
}

func (p *panel) check(t *testing.T) {
	t.Helper()
	if p.Title == "" {
		t.Errorf("panel %d has no title", p.ID)
	}
	if p.Type == "row" {
		return
	}
	if p.Description == "" || p.FieldConfig.Defaults.Unit == "" || len(p.Targets) == 0 {
		t.Errorf("panel %q: description %q, unit %q, %d queries: want all of them",
			p.Title, p.Description, p.FieldConfig.Defaults.Unit, len(p.Targets))
	}
	if p.Datasource.UID != "${datasource}" {
		t.Errorf("panel %q asks datasource %q, want the variable", p.Title, p.Datasource.UID)
	}
	for _, target := range p.Targets {
		if strings.Contains(target.Expr, "rate(") && !strings.Contains(target.Expr, "[$__rate_interval]") {
			t.Errorf("panel %q has a rate over something else than $__rate_interval: %s", p.Title, target.Expr)
		}
		if strings.Count(target.Expr, "(") != strings.Count(target.Expr, ")") {
			t.Errorf("panel %q has unbalanced parentheses: %s", p.Title, target.Expr)
		}
		if !strings.Contains(target.Expr, `cluster=~"$cluster"`) {
			t.Errorf("panel %q ignores the cluster variable: %s", p.Title, target.Expr)
		}
	}
}

func checkGrid(t *testing.T, panels []panel) {
	t.Helper()
	taken := map[[2]int]string{}
	for _, p := range panels {
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				if other, ok := taken[[2]int{x, y}]; ok {
					t.Fatalf("panels %q and %q overlap at %d,%d", other, p.Title, x, y)
				}
				if x >= 24 {
					t.Fatalf("panel %q reaches beyond the grid", p.Title)
				}
				taken[[2]int{x, y}] = p.Title
			}
		}
	}
}
