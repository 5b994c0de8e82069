// `window.cnnfilter`: the page for scripts of teachers and tests.
