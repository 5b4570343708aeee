# Sourced: the dependencies of a Go program, as `go version -m` lists them, in the three formats of buildpacks.

bills_of_materials() { # bills_of_materials PROGRAM VERSION: writes PROGRAM.sbom.cdx.json, .spdx.json and .syft.json
  local name=${1##*/} format
  for format in cdx spdx syft; do
    go version -m "$1" | awk -v format="$format" -v name="$name" -v version="$2" '
      function text(s) { return "\"" s "\"" }
      function purl(m, v) { return text("pkg:golang/" m "@" v) }
      $1 == "dep" { n++; module[n] = $2; at[n] = $3 }
      $1 == "=>" { module[n] = $2; at[n] = $3 } # a dependency that is replaced
      END {
        if (format == "cdx")
          printf "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.4\",\"version\":1,\"metadata\":{\"component\":{\"type\":\"application\",\"name\":%s,\"version\":%s}},\"components\":[", text(name), text(version)
        if (format == "spdx")
          printf "{\"spdxVersion\":\"SPDX-2.3\",\"dataLicense\":\"CC0-1.0\",\"SPDXID\":\"SPDXRef-DOCUMENT\",\"name\":%s,\"documentNamespace\":\"https://github.com/buildpacks/lifecycle/%s-%s\",\"creationInfo\":{\"created\":\"1980-01-01T00:00:01Z\",\"creators\":[\"Tool: go version -m\"]},\"packages\":[", text(name), name, version
        if (format == "syft")
          printf "{\"source\":{\"id\":%s,\"name\":%s,\"version\":%s,\"type\":\"file\",\"metadata\":{}},\"descriptor\":{\"name\":\"go version -m\",\"version\":\"1\"},\"schema\":{\"version\":\"16.0.0\",\"url\":\"https://raw.githubusercontent.com/anchore/syft/main/schema/json/schema-16.0.0.json\"},\"artifacts\":[", text(name), text(name), text(version)
        for (i = 1; i <= n; i++) {
          if (i > 1) printf ","
          m = module[i]; v = at[i]
          if (format == "cdx") printf "{\"type\":\"library\",\"name\":%s,\"version\":%s,\"purl\":%s}", text(m), text(v), purl(m, v)
          if (format == "spdx") printf "{\"SPDXID\":\"SPDXRef-%d\",\"name\":%s,\"versionInfo\":%s,\"downloadLocation\":\"NOASSERTION\"}", i, text(m), text(v)
          if (format == "syft") printf "{\"id\":\"%d\",\"name\":%s,\"version\":%s,\"type\":\"go-module\",\"language\":\"go\",\"foundBy\":\"go version -m\",\"locations\":[],\"licenses\":[],\"cpes\":[],\"purl\":%s}", i, text(m), text(v), purl(m, v)
        }
        print "]}"
      }' >"$1.sbom.$format.json"
  done
}
