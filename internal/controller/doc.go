// Package controller reconciles TLSPlatforms and MemberClusters. A reconcile is
// a list of phases that call other rooms: observe, plan, apply, judge, and write
// status once. What is decided here is only the order of the phases.
//
// Events of clusters (a managed object changed, a kind came or went) reconcile
// every TLSPlatform. That is cheap: a run that finds nothing to do makes no
// request.
package controller
