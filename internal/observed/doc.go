// Package observed is what was seen in clusters, as data. Plans are made from
// it and conditions are computed from it; it neither reads nor decides.
package observed
