testdata/none.conf -n none
