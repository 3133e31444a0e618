package controllers

import "testing"

func BenchmarkRecords(b *testing.B) {
	p := testPublications(b)
	pod := mustTrim(b, p.annotations, largePod().Annotate("service", "user").Annotate("port", "http").
		Annotate("version", "v1").Annotate("weight", "10").Annotate("metadata", `{"team":"search"}`).Obj())
	b.ReportAllocs()
	for b.Loop() {
		if records, err := p.Records(pod); err != nil || len(records) != 1 {
			b.Fatal(records, err)
		}
	}
}

func BenchmarkRecordsOfPlainPod(b *testing.B) {
	p := testPublications(b)
	pod := mustTrim(b, p.annotations, largePod().Obj())
	b.ReportAllocs()
	for b.Loop() {
		if records, err := p.Records(pod); err != nil || len(records) != 0 {
			b.Fatal(records, err)
		}
	}
}

func BenchmarkTrimAnnotatedPod(b *testing.B) {
	annotations, pod := testAnnotations(b), largePod().Annotate("service", "user").Obj()
	b.ReportAllocs()
	for b.Loop() {
		mustTrim(b, annotations, pod)
	}
}

func BenchmarkTrimPlainPod(b *testing.B) {
	annotations, pod := testAnnotations(b), largePod().Obj()
	b.ReportAllocs()
	for b.Loop() {
		mustTrim(b, annotations, pod)
	}
}
