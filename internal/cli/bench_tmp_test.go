package cli

import ("testing";"fmt";"time")

func TestTmpScale(t *testing.T){
 base:=sample()
 m:=merger{}
 for i:=0;i<400;i++{ s:=sliceOf("x"); s.ResourceVersion="5"
  for j:=0;j<250;j++{ r:=base[j%5]; r.Name=fmt.Sprintf("%s-%d-%d",r.Name,i,j); s.Records=append(s.Records,r)}
  m.add(s)}
 st:=time.Now(); recs:=m.records(); t.Log("records",time.Since(st))
 var f filter
 st=time.Now(); c:=f.choose(recs,now);t.Log("choose",len(c),time.Since(st)); st=time.Now(); sortRecords(c,sortByExpiry); t.Log("sort",len(c),time.Since(st))
}
