"""The kernel that turns one picture into another: least squares over all pixels, in closed form.

`pairs` checks the pictures, `sums` adds up what is needed of them, `solving` finds the weights, `residuals` what is
left over, and `fitting` puts these together. `doubts` and `causes` say why a kernel does not explain pictures,
`nearest` which one with a name it is like, `descent` finds the same step by step. `api` is what programs and the
command call.
"""
