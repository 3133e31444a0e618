package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"
	"github.com/spf13/viper"
)

const environmentPrefix = "CAUSEWAY"

// variable is the environment variable that stands for a flag.
func variable(flag string) string {
	return environmentPrefix + "_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// fromEnvironment sets the flags that were not given from their environment variables.
func fromEnvironment(flags *pflag.FlagSet) error {
	env := viper.New()
	env.SetEnvPrefix(environmentPrefix)
	env.SetEnvKeyReplacer(strings.NewReplacer("-", "_"))
	env.AllowEmptyEnv(true)
	env.AutomaticEnv()
	var errs []error
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Changed || !env.IsSet(f.Name) {
			return
		}
		if err := flags.Set(f.Name, env.GetString(f.Name)); err != nil {
			errs = append(errs, fmt.Errorf("environment variable %s: %w", variable(f.Name), err))
		}
	})
	if len(errs) > 0 {
		return usageError{errors.Join(errs...)}
	}
	return nil
}

// describeEnvironment adds to the help of every flag the variable that stands for it.
func describeEnvironment(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) { f.Usage += " [$" + variable(f.Name) + "]" })
}
