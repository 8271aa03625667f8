module gomaptop/tests

go 1.19
