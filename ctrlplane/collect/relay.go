package collect

type relay struct{}
