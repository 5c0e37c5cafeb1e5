part(n) = column("best") == n ? column("y") : NaN
plot DATA using (column("x")):(part(1)):(column("colour")) with lines linewidth 2 linecolor rgb variable, \
     DATA using (column("x")):(part(5)):(column("colour")) with lines linewidth 1.6 dashtype 2 linecolor rgb variable, \
     DATA using (column("x")):(part(25)):(column("colour")) with lines linewidth 1.6 dashtype 3 linecolor rgb variable
