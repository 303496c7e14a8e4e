#!/usr/bin/env node
// The command, outside dist: a link to it can be made before the first build.
import "../dist/cli.js";
