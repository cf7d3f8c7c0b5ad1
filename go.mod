module github.com/weir-probe/weir

go 1.26
