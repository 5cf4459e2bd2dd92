"""The site in a real Chromium. `make browser` fetches one; without it these tests are left out, and the summary says so."""
