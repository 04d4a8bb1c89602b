"""The account's side of AWS: what `cryoem aws setup`, `join`, `teardown` and `doctor` do."""
